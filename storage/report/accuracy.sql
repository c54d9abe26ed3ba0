-- How far beliefs lay from gold, turn by turn (Brier, 0-2, lower is nearer), where all trust rules agree on gold.
SELECT turn, chain_order, estimator, count(*) AS n, avg(gold_brier) AS gold_brier
FROM v_belief_accuracy
WHERE episode = :episode AND source = 'turn' AND robust = 1
GROUP BY turn, chain_order, estimator
ORDER BY estimator, chain_order, turn
