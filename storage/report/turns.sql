-- The turns, from the opening (0) on; in a closing turn nobody acts, and every mind takes in what happened last.
SELECT turn, closing, clock_s
FROM turn
WHERE episode = :episode
ORDER BY turn
