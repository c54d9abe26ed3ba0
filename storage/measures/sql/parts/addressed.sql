  SELECT
    u.episode, u.turn, p.name AS participant,
    (
      SELECT min(e.turn) FROM v_transcript AS e
      WHERE e.episode = u.episode AND e.turn > u.turn AND e.actor = p.name AND e.origin = 'participant'
        AND e.kind IN ('say', 'whisper')
    ) AS answered
  FROM v_transcript AS u
  JOIN participant AS p ON p.episode = u.episode AND p.name <> u.actor
    AND replace(u.addressees, '"' || p.name || '"', '') <> u.addressees
  WHERE {these}(u.episode) AND u.kind IN ('say', 'whisper') AND u.actor IS NOT NULL
