lab.bad_day()
seen = lab.signs
shows = {
    "wrong secret": seen.refused > 0,
    "over-pull": seen.dead_without_a_line > 0,
    "poison message": seen.failed > 0,
    "slow database": seen.work_seconds > 0.5,
    "sender storm": True,
}
cause = next(day for day, shown in shows.items() if shown)
lab.diagnose(cause, BAD_DAYS[cause].cure)
