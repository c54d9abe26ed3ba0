-- Who wanted to speak, who was let, and why: one row for each bid, beside who spoke.
SELECT
  b.episode AS episode, -- the episode's id
  b.turn AS turn, -- the turn that was bid for
  t.clock_s AS clock_s, -- when that turn began on the conversation's clock, in seconds since the opening
  t.lasted_s AS lasted_s, -- how long it took on that clock
  t.policy AS policy, -- how the floor was given
  b.participant AS participant, -- who bid
  CASE WHEN b.wants THEN 1 ELSE 0 END AS wants, -- 1 if it wanted to speak or act
  CASE WHEN b.volunteers THEN 1 ELSE 0 END AS volunteers, -- 1 if it was motivated enough to take an open floor by itself
  CASE WHEN b.interrupts THEN 1 ELSE 0 END AS interrupts, -- 1 if it was motivated enough to take a floor given to another
  b.motivation AS motivation, -- how much, 1.0-5.0; NULL where nothing was appraised
  b.strength AS strength, -- what the floor compared: the motivation, or its standing among one's own earlier bids, 0-1
  CASE WHEN b.won THEN 1 ELSE 0 END AS won, -- 1 if it was admitted
  CASE WHEN b.interrupted THEN 1 ELSE 0 END AS interrupted, -- 1 if it had been given the floor and another took it
  b.reason AS reason, -- why it won, lost, or did not want to
  b.thought AS thought, -- the thought behind the bid
  b.addressee AS addressee, -- whom it wanted to address
  CASE WHEN t.silent THEN 1 ELSE 0 END AS silent, -- 1 if nobody was admitted
  (
    SELECT {concat}(e.actor, ', ')
    FROM (
      SELECT e.actor FROM event AS e
      WHERE e.episode = b.episode AND e.turn = b.turn AND e.origin = 'participant' AND e.kind IN ('say', 'whisper')
      ORDER BY e.ordinal
    ) AS e
  ) AS speakers -- who spoke in that turn, in order; NULL for nobody
FROM bid AS b
LEFT JOIN turn AS t ON t.episode = b.episode AND t.turn = b.turn
