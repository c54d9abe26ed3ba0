-- How often somebody took a floor that had been given to another.
-- family: participation
-- unit: interruptions a turn
-- range: 0 and more
-- n: turns for which somebody could bid
SELECT f.episode, sum(f.interrupted) AS total, count(DISTINCT f.turn) AS n
FROM v_floor AS f
WHERE {these}(f.episode) AND f.turn > 0
GROUP BY f.episode
