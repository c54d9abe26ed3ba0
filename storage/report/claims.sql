-- What was asserted beside what its speaker believed.
SELECT turn, event, ordinal, speaker, variable, value, holds, established, estimator, believed, is_true, category
FROM v_honesty
WHERE episode = :episode
ORDER BY turn, event, ordinal
