-- What was thought, said or not: one row for each thought, with what became of it.
SELECT
  t.episode AS episode, -- the episode's id
  t.holder AS holder, -- whose thought it is
  t.thought AS thought, -- its id within the holder's mind
  t.turn AS turn, -- the turn in which it was formed
  t.system AS system, -- 1: quick and unbidden; 2: considered
  t.text AS text, -- the thought, in words
  t.stimuli AS stimuli, -- ids of the events and memories that gave rise to it, as a JSON list
  a.status AS status, -- where it stands: `formed`, `kept`, `spoken`, `dropped` or `expired`
  a.motivation AS motivation, -- how much it wanted to be said when last appraised, 1.0-5.0
  a.turn AS appraised_turn, -- when that was
  a.reason_for AS reason_for, -- what spoke for saying it then
  a.reason_against AS reason_against, -- what spoke against it, or why it was let go
  (
    SELECT max(p.motivation) FROM appraisal AS p
    WHERE p.episode = t.episode AND p.holder = t.holder AND p.thought = t.thought
  ) AS peak_motivation, -- the most it ever wanted to be said, 1.0-5.0
  (
    SELECT count(*) FROM appraisal AS p
    WHERE p.episode = t.episode AND p.holder = t.holder AND p.thought = t.thought
  ) AS appraisals, -- how often it was appraised
  (
    SELECT {concat}(h.step, ' ')
    FROM (
      SELECT
        p.turn || ':' || p.status || ':' || (p.cents / 100) || '.' || (p.cents / 10 - p.cents / 100 * 10)
        || (p.cents - p.cents / 10 * 10) AS step
      FROM (
        SELECT p.turn, p.status, {whole}(p.motivation * 100 + 0.5) AS cents FROM appraisal AS p
        WHERE p.episode = t.episode AND p.holder = t.holder AND p.thought = t.thought
      ) AS p
      ORDER BY p.turn
    ) AS h
  ) AS history, -- its appraisals in order, each `turn:status:motivation`
  s.turn AS spoken_turn, -- when it was spoken; NULL if it never was
  s.turn - t.turn AS lag, -- turns from being formed to being spoken
  t.call AS call -- the call it came from
FROM thought AS t
LEFT JOIN appraisal AS a
  ON a.episode = t.episode AND a.holder = t.holder AND a.thought = t.thought
  AND a.turn = (
    SELECT max(p.turn) FROM appraisal AS p
    WHERE p.episode = t.episode AND p.holder = t.holder AND p.thought = t.thought
  )
LEFT JOIN appraisal AS s
  ON s.episode = t.episode AND s.holder = t.holder AND s.thought = t.thought
  AND s.turn = (
    SELECT min(p.turn) FROM appraisal AS p
    WHERE p.episode = t.episode AND p.holder = t.holder AND p.thought = t.thought AND p.status = 'spoken'
  )
