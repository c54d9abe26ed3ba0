-- What was asserted beside what its speaker believed: claims by speaker and category.
SELECT
  h.speaker AS speaker, -- who said it
  h.category AS category, -- `honest`, `mistaken`, `deceptive` or `unsure`; NULL where the speaker stated no belief
  count(*) AS claims, -- how many
  count(CASE WHEN h.origin = 'scripted' THEN 1 END) AS scripted, -- how many of these were put into its mouth
  avg(h.believed) AS believed, -- how probable the speaker held what it said, on average, 0-1
  avg(1.0 * h.is_true) AS is_true, -- the share of what is true, 0-1; NULL where the world has no truth
  count(DISTINCT h.episode) AS episodes -- in how many episodes
FROM v_honesty AS h
WHERE {these}(h.episode)
GROUP BY h.speaker, h.category
ORDER BY speaker, CASE WHEN h.category IS NULL THEN 1 ELSE 0 END, category
