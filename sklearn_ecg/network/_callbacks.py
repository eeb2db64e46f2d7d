"""What skorch calls back while a net trains."""

import torch
from skorch.callbacks import Callback
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from sklearn_ecg.utils import progress


class EpochProgress(Callback):
    """A progress bar that counts epochs and shows the losses; none when the net is quiet."""

    def on_train_begin(self, net, **kwargs):
        verbose = net.verbose if net.run_.is_main else 0
        self.bar_ = progress(
            range(net.run_.n_epochs), description="training, epochs", verbose=verbose
        )

    def on_epoch_end(self, net, **kwargs):
        last = net.history[-1]
        losses = {name: last[name] for name in ("train_loss", "valid_loss") if name in last}
        self.bar_.set_postfix({name: f"{loss:.4f}" for name, loss in losses.items()})
        self.bar_.update()

    def on_train_end(self, net, **kwargs):
        self.bar_.close()
        del self.bar_  # an open bar cannot be pickled


class WeightAverage(Callback):
    """An exponential moving average of the weights, which is what validates and is kept.

    Parameters
    ----------
    decay : float
        Share of the average that a step leaves as it is. In step n it is (1 + n) / (10 + n) at
        most: else the random weights of the beginning would stay where steps are few.

    References
    ----------
    Polyak, Juditsky (1992). Acceleration of Stochastic Approximation by Averaging.
    """

    def __init__(self, decay):
        self.decay = decay

    def on_train_begin(self, net, **kwargs):

        def average(averaged, current, n_averaged):
            share = min(self.decay, (1 + float(n_averaged)) / (10 + float(n_averaged)))
            get_ema_multi_avg_fn(share)(averaged, current, n_averaged)

        # Batch norm's statistics belong to the weights that they were measured with.
        net.run_.average = AveragedModel(net.module_, multi_avg_fn=average, use_buffers=True)
        net.run_.average.eval()

    def on_batch_end(self, net, training, **kwargs):
        if training:
            net.run_.average.update_parameters(net.module_)


class BestWeights(Callback):
    """Keep the weights of the best epoch, or of the last where nothing is held out.

    Parameters
    ----------
    patience : int or None
        Training stops after this many epochs without a smaller validation loss.
    """

    def __init__(self, patience=None):
        self.patience = patience

    def on_epoch_end(self, net, **kwargs):
        run = net.run_
        state = {
            name: values.clone() for name, values in net.evaluated_module().state_dict().items()
        }
        if not all(torch.isfinite(values).all() for values in state.values()):
            raise Diverged
        loss = net.history[-1].get("valid_loss")
        if loss is None or loss < run.best_loss:
            run.best_state, run.best_loss, run.n_worse = state, loss, 0
            return
        run.n_worse += 1
        if self.patience is not None and run.n_worse >= self.patience:
            run.is_over = True
            raise KeyboardInterrupt  # skorch's way of ending training


class Diverged(ArithmeticError):
    """The loss or the weights became NaN or infinite."""
