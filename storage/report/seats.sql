-- Who sat at the table.
SELECT name, kind, model
FROM participant
WHERE episode = :episode
ORDER BY ordinal
