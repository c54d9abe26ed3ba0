-- How one mind's model of another went round: one row for each time somebody told another what it takes that one to
-- believe (a claim with a `believer`), what that one made of it, and what the teller then made of that. An answer counts
-- among the next three utterances of the one it is about, where the teller hears it.
SELECT
  d.episode AS episode, -- the episode's id
  d.turn AS turn, -- the turn in which it was told
  d.event AS event, -- the event's ordinal within the turn
  d.ordinal AS ordinal, -- the claim's ordinal within the event
  row_number() OVER (PARTITION BY d.episode, d.discloser, d.believer ORDER BY d.turn, d.event, d.ordinal)
    AS cycle, -- 1 for the first that this discloser told this believer, 2 for the next, ...
  d.discloser AS discloser, -- who told it
  d.believer AS believer, -- whose belief it is said to be
  d.variable AS variable, -- what it is about
  d.value AS value, -- the value said to be believed
  d.holds AS holds, -- 1 for "you think that", 0 for "you do not think that"
  d.established AS established, -- `scripted`, `rules`, `declared`, `extracted` or `person`
  d.constructed_turn AS constructed_turn, -- when that value was first the likeliest on `discloser>believer`; NULL if never
  d.kind AS kind, -- `confirm`, `correct`, `resist` (denies, gives no value), `ignore`, or `unheard` by the believer
  d.recognised_turn AS recognised_turn, -- the turn of the answer; NULL for none
  d.recognised_turn - d.turn AS recognition_lag, -- in turns
  d.revised_turn AS revised_turn, -- when `discloser>believer` next changed after the answer (or, without, after the telling)
  d.revised_turn - d.after_turn AS revision_lag, -- in turns, from 1: a mind can change in the turn after what it heard
  (
    SELECT sum(abs(m.probability - o.probability)) / 2 FROM belief AS m
    JOIN belief AS o ON o.episode = m.episode AND o.turn = d.own_then AND o.holder = d.believer
      AND o.chain = d.believer AND o.variable = m.variable AND o.value = m.value
    WHERE m.episode = d.episode AND m.turn = d.held_then AND m.holder = d.discloser AND m.chain = d.chain
      AND m.variable = d.variable
  ) AS distance, -- total variation between model and the believer's own belief when it was told, 0-1
  d.before_distance AS before_distance, -- the same for the model as it was before the revision, to the belief of after it
  d.after_distance AS after_distance, -- the same for the model as it was after the revision
  d.before_distance - d.after_distance AS gain -- how much nearer the revision brought the model; NULL without one
FROM (
  SELECT
    x.*,
    (
      SELECT sum(abs(m.probability - o.probability)) / 2 FROM belief AS m
      JOIN belief AS o ON o.episode = m.episode AND o.turn = x.own_later AND o.holder = x.believer
        AND o.chain = x.believer AND o.variable = m.variable AND o.value = m.value
      WHERE m.episode = x.episode AND m.turn = x.held_before AND m.holder = x.discloser AND m.chain = x.chain
        AND m.variable = x.variable
    ) AS before_distance,
    (
      SELECT sum(abs(m.probability - o.probability)) / 2 FROM belief AS m
      JOIN belief AS o ON o.episode = m.episode AND o.turn = x.own_later AND o.holder = x.believer
        AND o.chain = x.believer AND o.variable = m.variable AND o.value = m.value
      WHERE m.episode = x.episode AND m.turn = x.revised_turn AND m.holder = x.discloser AND m.chain = x.chain
        AND m.variable = x.variable
    ) AS after_distance
  FROM (
    SELECT
      r.*,
      (
        SELECT max(b.turn) FROM belief AS b
        WHERE b.episode = r.episode AND b.holder = r.believer AND b.chain = r.believer AND b.variable = r.variable
          AND b.turn <= r.revised_turn
      ) AS own_later
    FROM (
      SELECT
        a.*,
        (
          SELECT min(b.turn) FROM belief AS b
          WHERE b.episode = a.episode AND b.holder = a.discloser AND b.chain = a.chain AND b.variable = a.variable
            AND b.value = a.value AND a.holds = 1 AND b.turn <= a.turn
            AND NOT EXISTS (
              SELECT 1 FROM belief AS l
              WHERE l.episode = b.episode AND l.turn = b.turn AND l.holder = b.holder AND l.chain = b.chain
                AND l.variable = b.variable AND l.probability > b.probability + 1e-9
            )
        ) AS constructed_turn,
        (
          SELECT max(b.turn) FROM belief AS b
          WHERE b.episode = a.episode AND b.holder = a.discloser AND b.chain = a.chain AND b.variable = a.variable
            AND b.turn <= a.turn
        ) AS held_then,
        (
          SELECT max(b.turn) FROM belief AS b
          WHERE b.episode = a.episode AND b.holder = a.believer AND b.chain = a.believer AND b.variable = a.variable
            AND b.turn <= a.turn
        ) AS own_then,
        (
          SELECT max(b.turn) FROM belief AS b
          WHERE b.episode = a.episode AND b.holder = a.discloser AND b.chain = a.chain AND b.variable = a.variable
            AND b.turn <= a.after_turn
        ) AS held_before,
        (
          SELECT min(b.turn) FROM belief AS b
          WHERE b.episode = a.episode AND b.holder = a.discloser AND b.chain = a.chain AND b.variable = a.variable
            AND b.turn > a.after_turn
        ) AS revised_turn
      FROM (
        SELECT
          t.*, e.turn AS recognised_turn, coalesce(e.turn, t.turn) AS after_turn,
          CASE
            WHEN t.heard = 0 THEN 'unheard'
            WHEN e.turn IS NULL THEN 'ignore'
            WHEN EXISTS (
              SELECT 1 FROM claim AS c
              WHERE c.episode = e.episode AND c.turn = e.turn AND c.event = e.ordinal AND c.variable = t.variable
                AND c.holds AND c.value = t.value AND (c.believer IS NULL OR c.believer = t.believer)
            ) THEN CASE WHEN t.holds = 1 THEN 'confirm' ELSE 'correct' END
            WHEN t.holds = 0 THEN 'confirm'
            WHEN EXISTS (
              SELECT 1 FROM claim AS c
              WHERE c.episode = e.episode AND c.turn = e.turn AND c.event = e.ordinal AND c.variable = t.variable
                AND c.holds AND (c.believer IS NULL OR c.believer = t.believer)
            ) THEN 'correct'
            ELSE 'resist'
          END AS kind
        FROM (
          SELECT
            k.episode, k.turn, k.event, k.ordinal, k.speaker AS discloser, k.believer,
            k.speaker || '>' || k.believer AS chain, k.variable, k.value, k.established,
            CASE WHEN k.holds THEN 1 ELSE 0 END AS holds,
            CASE WHEN w.participant IS NULL THEN 0 ELSE 1 END AS heard
          FROM claim AS k
          LEFT JOIN witness AS w
            ON w.episode = k.episode AND w.turn = k.turn AND w.event = k.event AND w.participant = k.believer
            AND w.level = 'content'
          WHERE k.believer IS NOT NULL AND k.speaker <> k.believer
        ) AS t
        LEFT JOIN event AS e
          ON e.episode = t.episode AND t.heard = 1 AND e.turn > t.turn AND e.actor = t.believer
          AND e.turn * 1000000.0 + e.ordinal = (
            SELECT min(u.turn * 1000000.0 + u.ordinal) FROM event AS u
            JOIN claim AS c
              ON c.episode = u.episode AND c.turn = u.turn AND c.event = u.ordinal AND c.variable = t.variable
              AND (c.holds OR c.value = t.value) AND (c.believer IS NULL OR c.believer = t.believer)
            JOIN witness AS h
              ON h.episode = u.episode AND h.turn = u.turn AND h.event = u.ordinal AND h.participant = t.discloser
              AND h.level = 'content'
            WHERE u.episode = t.episode AND u.turn > t.turn AND u.actor = t.believer
              AND u.origin = 'participant' AND u.kind IN ('say', 'whisper')
              AND 3 >= (
                SELECT count(*) FROM event AS n
                WHERE n.episode = t.episode AND n.turn > t.turn AND n.actor = t.believer
                  AND n.origin = 'participant' AND n.kind IN ('say', 'whisper')
                  AND n.turn * 1000000.0 + n.ordinal <= u.turn * 1000000.0 + u.ordinal
              )
          )
      ) AS a
    ) AS r
  ) AS x
) AS d
