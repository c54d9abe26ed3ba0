  SELECT p.episode, p.name AS participant, coalesce(c.utterances, 0) AS utterances
  FROM participant AS p
  LEFT JOIN (
    SELECT t.episode, t.actor, count(*) AS utterances
    FROM v_transcript AS t
    WHERE {these}(t.episode) AND t.origin = 'participant' AND t.kind IN ('say', 'whisper')
    GROUP BY t.episode, t.actor
  ) AS c ON c.episode = p.episode AND c.actor = p.name
  WHERE {these}(p.episode)
