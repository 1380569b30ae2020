from modelwatch.shadow.cpu_budget import CpuBudget


def test_a_process_below_its_share_runs() -> None:
    budget = CpuBudget(0.5, 0.0)
    assert all(budget.allows(0.5 * now, now) for now in range(1, 100))


def test_a_process_above_its_share_waits_until_the_share_is_kept() -> None:
    budget = CpuBudget(0.1, 0.0)
    # Two seconds by four threads.
    assert not budget.allows(8.0, 2.0)
    assert not budget.allows(8.0, 78.0)
    assert budget.allows(8.0, 80.1)


def test_an_idle_process_saves_up_a_second_of_its_share_at_most() -> None:
    budget = CpuBudget(0.2, 0.0)
    assert budget.allows(0.0, 1000.0)
    assert budget.allows(0.19, 1000.0)
    assert not budget.allows(0.21, 1000.0)
