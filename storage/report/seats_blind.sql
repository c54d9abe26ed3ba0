-- Who sat at the table.
SELECT name
FROM participant
WHERE episode = :episode
ORDER BY ordinal
