-- What became of thoughts, as they stood at the end: `formed` (never appraised since), `kept`, `spoken`, `dropped` or
-- `expired`.
-- family: thoughts
-- unit: share of thoughts
-- range: 0 to 1; the five add up to 1
-- n: thoughts
-- always: fate
-- by: participant
SELECT
  t.episode, f.fate, t.holder AS participant,
  sum(CASE WHEN coalesce(t.status, 'formed') = f.fate THEN 1 ELSE 0 END) AS total, count(*) AS n
FROM v_thoughts AS t
CROSS JOIN (
  SELECT 'formed' AS fate UNION ALL SELECT 'kept' UNION ALL SELECT 'spoken' UNION ALL SELECT 'dropped'
  UNION ALL SELECT 'expired'
) AS f
WHERE {these}(t.episode)
GROUP BY t.episode, f.fate, t.holder
