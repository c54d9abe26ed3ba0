-- What was believed: a distribution holds until the next turn with rows of the same holder, chain and variable.
SELECT turn, holder, chain, variable, value, probability, estimator, declared
FROM v_beliefs
WHERE episode = :episode
ORDER BY turn, holder, chain, variable, value
