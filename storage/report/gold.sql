-- What should have been believed, and under the chain `world` what was true; it holds until it is written anew.
SELECT turn, chain, variable, value, rule, probability, basis, robust
FROM gold
WHERE episode = :episode
ORDER BY turn, chain, variable, rule, value
