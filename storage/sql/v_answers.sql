-- What people were asked as people, and what they answered: a row for each item of a questionnaire (`before`, `after`)
-- and for each question while they played (`moment`), also where no answer came. For example, who paid attention:
-- `SELECT episode, participant FROM v_answers WHERE correct = 0`.
SELECT
  a.episode AS episode, -- the episode's id
  a.participant AS participant, -- the seat of the person who was asked
  s.pseudonym AS pseudonym, -- by which name the log knows them
  a.form AS form, -- `before`, `after`, or `moment`
  a.turn AS turn, -- for `moment`: the turn before which it was asked; else NULL
  a.ordinal AS ordinal, -- its place in the form; for `moment`, among the probes of the turn
  a.item AS item, -- the item's name; for `moment`, the variable
  a.chain AS chain, -- for `moment`: whose belief it asks for, as in `dan>alice`
  a.kind AS kind, -- `likert`, `choice` or `text`; `person` for `moment`
  a.question AS question, -- as it was shown
  a.options AS options, -- what could be chosen, in the order in which it was shown, as JSON
  CAST({plain}(a.answer) AS TEXT) AS answer, -- what was answered; for `moment` JSON with `choice` and `sure`, or `percent`; NULL where nothing was
  a.error AS error, -- for `moment`: why there is no answer, `skipped` or `no answer came`
  CASE WHEN a.correct THEN 1 WHEN a.correct IS NOT NULL THEN 0 END AS correct, -- for attention checks: whether it was answered as asked
  a.answered_at AS answered_at -- when a questionnaire was sent, UTC; NULL where the person did not agree to times
FROM (
  SELECT
    w.episode, w.participant, w.form, CAST(NULL AS INTEGER) AS turn, w.ordinal, w.item, CAST(NULL AS TEXT) AS chain,
    w.kind, w.question, w.options, w.answer, CAST(NULL AS TEXT) AS error, w.correct, w.answered_at
  FROM answer AS w
  UNION ALL
  SELECT
    p.episode, p.participant, 'moment' AS form, p.turn, p.ordinal, p.variable AS item, p.chain, p.kind, p.question,
    p.options, p.answer, p.error, NULL AS correct, NULL AS answered_at
  FROM probe AS p
  WHERE p.kind = 'person'
) AS a
LEFT JOIN participant AS s ON s.episode = a.episode AND s.name = a.participant
