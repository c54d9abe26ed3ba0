-- Who wanted to speak, who was let, and why.
SELECT turn, participant, wants, volunteers, interrupts, motivation, won, interrupted, reason, thought, addressee, silent
FROM v_floor
WHERE episode = :episode
ORDER BY turn, participant
