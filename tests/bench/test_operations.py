from bench.operations import judged
from bench.runs import Work


def test_what_grows_with_the_answers_is_the_tokens_and_the_rest_the_streams() -> None:
    short = {"set": 40.0, "xadd": 20 + 2 * 10 * 5}
    long = {"set": 40.0, "xadd": 20 + 2 * 10 * 50}
    found = judged(short, long, Work(10, 5, 50), Work(10, 50, 50))
    assert found["commands_per_token"] == {"xadd": 2.0}
    assert found["commands_per_stream"] == {"set": 4.0, "xadd": 2.0}
    assert (found["per_token"], found["per_stream"]) == (2.0, 6.0)


def test_noise_never_makes_a_cost_negative() -> None:
    found = judged({"ping": 9.0}, {"ping": 4.0}, Work(1, 5, 50), Work(1, 50, 50))
    assert found["per_token"] == 0
    assert found["per_stream"] == 9
