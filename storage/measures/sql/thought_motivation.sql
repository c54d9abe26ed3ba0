-- How much thoughts wanted to be said at most (their highest appraisal): those that were `spoken` beside those that were
-- `unspoken`. Inner Thoughts expects the former to be higher.
-- family: thoughts
-- unit: motivation
-- range: 1 to 5
-- n: appraised thoughts
-- always: said
-- by: participant
-- source: Liu et al. 2025 (Inner Thoughts, CHI 2025, arXiv 2501.00383), stage 4, evaluation, for the
--   scale; the comparison is ours
SELECT
  t.episode, CASE WHEN t.spoken_turn IS NULL THEN 'unspoken' ELSE 'spoken' END AS said, t.holder AS participant,
  sum(t.peak_motivation) AS total, count(*) AS n
FROM v_thoughts AS t
WHERE {these}(t.episode) AND t.peak_motivation IS NOT NULL
GROUP BY t.episode, CASE WHEN t.spoken_turn IS NULL THEN 'unspoken' ELSE 'spoken' END, t.holder
