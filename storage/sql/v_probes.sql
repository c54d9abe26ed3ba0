-- What copied minds were asked out of band, and what they answered: one row for each probe.
-- The distributions that a probe for beliefs brought are in the table `probe_belief`, by the same turn and ordinal.
SELECT
  p.episode AS episode, -- the episode's id
  p.turn AS turn, -- the mind is that of this turn before it deliberated: it covers all events before the turn
  p.ordinal AS ordinal, -- the how-manieth probe of the turn, from 0
  p.participant AS participant, -- whose mind was copied
  p.kind AS kind, -- `ask` for a question in words, `beliefs` for distributions
  p.about AS about, -- the other participant the question is about; NULL where it is about none in particular
  p.question AS question, -- what was asked
  {plain}(p.answer) AS answer, -- the words or the choice; for `beliefs`, what was stated, as JSON; NULL where none came
  p.error AS error, -- why no valid answer came
  CASE WHEN p.scheduled THEN 1 ELSE 0 END AS scheduled, -- 1 where the scenario asked while it was played, 0 for afterwards
  p.model AS model, -- the model that was asked
  p.call AS call, -- the call it came from
  p.created_at AS asked_at -- when it was asked, UTC
FROM probe AS p
