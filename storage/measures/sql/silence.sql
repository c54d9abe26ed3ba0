-- How often a turn passed in which nobody was admitted to the floor. Neither the opening nor a closing turn counts.
-- family: participation
-- unit: share of turns
-- range: 0 to 1
-- n: turns
SELECT t.episode, sum(CASE WHEN t.silent THEN 1 ELSE 0 END) AS total, count(*) AS n
FROM turn AS t
WHERE {these}(t.episode) AND t.turn > 0 AND NOT t.closing
GROUP BY t.episode
