-- The turns in which something happened.
SELECT DISTINCT turn
FROM v_transcript
WHERE episode = :episode
ORDER BY turn
