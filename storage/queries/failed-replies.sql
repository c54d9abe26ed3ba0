-- Which replies of models did not do: invalid ones, attempts without an answer, and requests that were given up.
-- :most = 50 -- at most so many
SELECT
  c.episode AS episode, -- the episode's id
  c.turn AS turn, -- the turn that asked
  c.participant AS participant, -- whose mind asked
  c.purpose AS purpose, -- what for
  c.model AS model, -- the model that was asked
  c.attempt AS attempt, -- which attempt it was, from 0
  c.status AS status, -- `invalid`, `error` or `fallback` (given up: the turn is passed)
  c.error AS error, -- what was wrong, in a line
  c.finish AS finish, -- why the model stopped
  c.output_tokens AS output_tokens -- tokens written
FROM v_calls AS c
WHERE c.status IN ('invalid', 'error', 'fallback') AND {these}(c.episode)
ORDER BY c.episode, c.turn, c.take, c.participant, c.purpose, c.ordinal, c.attempt
LIMIT :most
