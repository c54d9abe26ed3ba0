-- What was thought, said or not; `history` has each appraisal as turn:status:motivation.
SELECT holder, thought, turn, system, text, status, history, peak_motivation, spoken_turn, lag, reason_for, reason_against
FROM v_thoughts
WHERE episode = :episode
ORDER BY turn, holder, thought
