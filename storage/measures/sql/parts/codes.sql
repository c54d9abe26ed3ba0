  SELECT max(c.run) AS run, c.variable AS coding_set
  FROM score AS c
  WHERE c.episode IS NULL AND c.measure = 'codes'
  GROUP BY c.variable, c.estimator, c.target
