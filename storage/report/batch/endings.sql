-- How the episodes of each cell stand, and why.
SELECT e.scenario, e.cell, e.status, e.reason, count(*) AS n
FROM episode AS e
WHERE e.batch = :batch
GROUP BY e.scenario, e.cell, e.status, e.reason
ORDER BY e.scenario, e.cell, e.status, n DESC, e.reason
