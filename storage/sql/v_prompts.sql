-- What models read: one row for each attempt at each request. The table `call` keeps what a prompt shares with an earlier
-- one of the same participant only there; here each is whole.
SELECT
  c.episode AS episode, -- the episode's id
  c.turn AS turn, -- the turn that asked
  c.take AS take, -- which attempt at that turn, from 0
  c.participant AS participant, -- whose mind asked
  c.purpose AS purpose, -- what for
  c.call AS call, -- the attempt's id, as in `v_calls`
  CASE WHEN c.base IS NULL THEN c.messages ELSE substr(b.messages, 1, c.shared) || c.rest END
    AS messages -- a JSON list of `role` and `content`; NULL or empty for `rules`, which reads no prompt
FROM call AS c
LEFT JOIN call AS b ON b.episode = c.episode AND b.call = c.base
