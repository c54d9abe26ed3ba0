-- Which thoughts were kept longest before their moment came: those spoken at a later turn than they were formed.
-- :least = 1 -- only those kept for so many turns
-- :most = 50 -- at most so many thoughts
SELECT
  t.episode AS episode, -- the episode's id
  t.holder AS holder, -- whose thought it was
  t.turn AS turn, -- the turn in which it was formed
  t.spoken_turn AS spoken_turn, -- the turn in which it was spoken
  t.lag AS lag, -- turns between the two
  t.peak_motivation AS peak_motivation, -- the most it ever wanted to be said, 1.0-5.0
  t.history AS history, -- its appraisals in order, each `turn:status:motivation`
  t.text AS text -- the thought, in words
FROM v_thoughts AS t
WHERE t.lag >= :least AND {these}(t.episode)
ORDER BY t.lag DESC, t.episode, t.turn, t.holder, t.thought
LIMIT :most
