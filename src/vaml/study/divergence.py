"""What a run raises when its numbers stop being numbers."""


class Diverged(Exception):
    """A loss, parameter or return stopped being finite.

    where: the name of the tensor or quantity. step: the step of the loop in which it was seen.
    """

    def __init__(self, where: str, step: int) -> None:
        super().__init__(f"diverged at step {step}: {where} is not finite")
        self.where = where
        self.step = step
