-- Who wanted to speak and was not let: the most motivated bids that lost, with the thought behind them.
-- :most = 50 -- at most so many bids
SELECT
  b.episode AS episode, -- the episode's id
  b.turn AS turn, -- the turn that was bid for
  b.participant AS participant, -- who wanted to speak
  b.motivation AS motivation, -- how much, 1.0-5.0
  f.actor AS spoke, -- who spoke first instead; NULL for nobody
  b.reason AS reason, -- why it lost
  t.text AS thought -- what it would have said
FROM bid AS b
LEFT JOIN thought AS t ON t.episode = b.episode AND t.holder = b.participant AND t.thought = b.thought
LEFT JOIN event AS f ON f.episode = b.episode AND f.turn = b.turn AND f.ordinal = (
  SELECT min(m.ordinal) FROM event AS m
  WHERE m.episode = b.episode AND m.turn = b.turn AND m.origin = 'participant' AND m.kind IN ('say', 'whisper')
)
WHERE b.wants AND NOT b.won AND b.motivation IS NOT NULL AND {these}(b.episode)
ORDER BY b.motivation DESC, b.episode, b.turn, b.participant
LIMIT :most
