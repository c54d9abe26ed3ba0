-- What was never said although it wanted to be: thoughts that were once motivated enough and have not been spoken.
-- :threshold = 4.0 -- how much they wanted to be said at their peak, 1.0-5.0
-- :most = 50 -- at most so many thoughts
SELECT
  t.episode AS episode, -- the episode's id
  t.holder AS holder, -- whose thought it is
  t.turn AS turn, -- the turn in which it was formed
  t.peak_motivation AS peak_motivation, -- the most it ever wanted to be said, 1.0-5.0
  t.status AS status, -- where it stands: `formed`, `kept`, `dropped` or `expired`
  t.appraised_turn AS appraised_turn, -- when it was last weighed
  t.reason_against AS reason_against, -- what spoke against it then, or why it was let go
  t.text AS text -- the thought, in words
FROM v_thoughts AS t
WHERE t.spoken_turn IS NULL AND t.peak_motivation >= :threshold AND {these}(t.episode)
ORDER BY t.peak_motivation DESC, t.episode, t.turn, t.holder, t.thought
LIMIT :most
