-- What happened, in order: one row for each event, with those who witnessed it.
SELECT
  e.episode AS episode, -- the episode's id
  e.turn AS turn, -- the turn in which it happened, from 0
  e.ordinal AS ordinal, -- its place within the turn, from 0
  e.turn || '.' || e.ordinal AS event, -- its id within the episode: `turn.ordinal`
  t.take AS take, -- which attempt at the turn was kept, from 0
  e.kind AS kind, -- `say`, `whisper`, or whatever the world knows
  e.actor AS actor, -- the participant who did it; NULL for the world and the script
  e.text AS text, -- what those who got its content heard or saw
  e.occurrence AS occurrence, -- what those saw who only noticed that it happened
  e.addressees AS addressees, -- to whom it was said, as a JSON list; NULL for nobody in particular
  e.place AS place, -- where it happened, in worlds with places
  e.origin AS origin, -- `participant`, `scripted`, `world`; `floor` for a silence that those present notice
  (
    SELECT {concat}(w.participant, ', ')
    FROM (
      SELECT w.participant FROM witness AS w
      WHERE w.episode = e.episode AND w.turn = e.turn AND w.event = e.ordinal AND w.level = 'content'
      ORDER BY w.participant
    ) AS w
  ) AS witnesses, -- who got its content, by name; NULL for nobody
  (
    SELECT {concat}(w.participant, ', ')
    FROM (
      SELECT w.participant FROM witness AS w
      WHERE w.episode = e.episode AND w.turn = e.turn AND w.event = e.ordinal AND w.level = 'occurrence'
      ORDER BY w.participant
    ) AS w
  ) AS onlookers, -- who only saw that it happened, by name; NULL for nobody
  e.data AS data -- what the world keeps about it, as JSON
FROM event AS e
LEFT JOIN turn AS t ON t.episode = e.episode AND t.turn = e.turn
