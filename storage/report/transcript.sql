-- What happened, and who got its content.
SELECT turn, ordinal, event, kind, actor, text, addressees, origin, witnesses, onlookers
FROM v_transcript
WHERE episode = :episode
ORDER BY turn, ordinal
