-- What was asked of models: one row for each attempt at each request. Prompts are in `v_prompts`.
SELECT
  c.episode AS episode, -- the episode's id
  c.turn AS turn, -- the turn that asked
  c.take AS take, -- which attempt at that turn, from 0; earlier takes were paid for too
  c.participant AS participant, -- whose mind asked
  c.purpose AS purpose, -- what for
  c.ordinal AS ordinal, -- the how-manieth request of this purpose in this take, from 0
  c.attempt AS attempt, -- the how-manieth attempt at this request, from 0
  c.turn || '/' || c.take || '/' || c.participant || '/' || c.purpose || '/' || c.ordinal
    AS request, -- what all attempts at one request share
  c.call AS call, -- the attempt's id: what thoughts and beliefs point to
  c.uri AS model, -- the model that was asked for
  c.served_model AS served_model, -- the model that says it answered
  c.schema_name AS schema_name, -- the type of the reply
  c.status AS status, -- `ok`, `repaired`, `invalid`, `error` (no answer), `fallback` (given up: the turn is passed)
  c.error AS error, -- what was wrong, in a line
  c.finish AS finish, -- why the model stopped
  c.input_tokens AS input_tokens, -- tokens read, those from a cache included
  c.cached_tokens AS cached_tokens, -- tokens read from a cache
  c.output_tokens AS output_tokens, -- tokens written
  c.cost_usd AS cost_usd, -- dollars; NULL where the price is unknown
  c.latency_ms AS latency_ms, -- milliseconds
  c.started_at AS started_at, -- when it was sent, UTC
  c.reply AS reply, -- what came back, as it came
  c.hash AS hash -- SHA-256 of all that went in
FROM call AS c
