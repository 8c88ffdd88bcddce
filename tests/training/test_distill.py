"""The objective of distillation: that of whole logits, however rows are cut, and whoever is asked."""

from __future__ import annotations

import pytest
import torch

from r1light.algorithms.distill_loss import distill_loss
from r1light.training.distill import DistillObjective, LiveTeacher

CPU = torch.device("cpu")


def learnt(pair, rows, max_tokens, *, beta=0.5, packed=False):
    """Loss and gradients of one update, and the numbers for the record."""
    student, teacher = pair
    live = LiveTeacher(teacher, 48, beta, 1.3)
    objective = DistillObjective(live, 48, 1.3, max_tokens, packed)
    total = sum(map(objective.weight, rows))
    student.zero_grad()
    sums = torch.zeros(objective.metrics, dtype=torch.float64)
    for batch in objective.micro_batches(rows, CPU):
        out = objective(student, batch)
        (out.loss / total).backward()
        sums += out.metrics
    return objective.finish(sums), [parameter.grad.clone() for parameter in student.parameters()]


def by_whole_logits(pair, rows, beta):
    """The same a row at a time, from the models' own logits, those beyond the common vocabulary left out."""
    student, teacher = pair
    total = sum(each.targets for each in rows)
    student.zero_grad()
    loss = 0.0
    for each in rows:
        ids = torch.tensor(each.input_ids[:-1])[None]
        mask = torch.tensor(each.target[1:])
        with torch.no_grad():
            theirs = teacher(input_ids=ids).logits[0, :, :48]
        out = distill_loss(
            student(input_ids=ids).logits[0], theirs, mask, beta=beta, total_tokens=total, temperature=1.3
        )
        out.loss.backward()
        loss += float(out.loss.detach())
    return loss, [parameter.grad.clone() for parameter in student.parameters()]


@pytest.mark.parametrize("beta", [0.0, 0.5, 1.0])
@pytest.mark.parametrize(("max_tokens", "packed"), [(1, False), (20, False), (1000, True)])
def test_loss_and_gradient_are_those_of_whole_logits(pair, taught_rows, beta, max_tokens, packed):
    wanted, gradients = by_whole_logits(pair, taught_rows, beta)
    numbers, found = learnt(pair, taught_rows, max_tokens, beta=beta, packed=packed)
    assert numbers["loss"] == pytest.approx(wanted, abs=1e-9)
    assert numbers["target_tokens"] == 4 + 1 + 9 + 5 + 8 + 1
    for one, other in zip(gradients, found, strict=True):
        torch.testing.assert_close(other, one, atol=1e-9, rtol=0)


def test_a_student_of_itself_learns_nothing(pair, taught_rows):
    numbers, gradients = learnt((pair[0], pair[0]), taught_rows, 100, beta=1.0)
    assert numbers["loss"] == pytest.approx(0.0, abs=1e-9)
    assert max(float(gradient.abs().max()) for gradient in gradients) < 1e-9
    # the entropy of 48 tokens, of which none stands out before training, is near log 48 = 3.87
    assert 3.5 < numbers["entropy"] < 3.88
    assert all(parameter.grad is None for parameter in pair[1].parameters())
