-- Events of a range of days (the end excluded): whole months by the monthly table, the rest by the daily one.
SELECT coalesce((SELECT sum(transactions) FROM {monthly}
                 WHERE month >= %(first_month)s::date AND month < %(end_month)s::date), 0)::bigint
     + coalesce((SELECT sum(transactions) FROM {daily}
                 WHERE date >= %(begin)s::date AND date < least(%(first_month)s::date, %(end)s::date)), 0)::bigint
     + coalesce((SELECT sum(transactions) FROM {daily}
                 WHERE date >= greatest(%(first_month)s::date, %(end_month)s::date) AND date < %(end)s::date), 0)::bigint
