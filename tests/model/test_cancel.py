from onboard.model.cancel import CancelToken


def test_stop_now_wakes_who_asked_for_it_and_nobody_else() -> None:
    token, woken = CancelToken(), []
    token.on_stop_now(lambda: woken.append("first"))
    no_longer = token.on_stop_now(lambda: woken.append("second"))
    token.stop()
    assert woken == [], "what is under way goes on"
    no_longer()
    no_longer()
    token.stop_now()
    assert woken == ["first"]


def test_who_asks_after_stop_now_is_woken_at_once() -> None:
    token, woken = CancelToken(), []
    token.stop_now()
    token.on_stop_now(lambda: woken.append("late"))
    assert woken == ["late"]
