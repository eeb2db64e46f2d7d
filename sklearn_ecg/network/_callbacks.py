"""What skorch calls back while a net trains."""

from skorch.callbacks import Callback

from sklearn_ecg.utils import progress


class EpochProgress(Callback):
    """A progress bar that counts epochs and shows the losses; none when the net is quiet."""

    def on_train_begin(self, net, **kwargs):
        self.bar_ = progress(
            range(net.max_epochs), description="training, epochs", verbose=net.verbose
        )

    def on_epoch_end(self, net, **kwargs):
        last = net.history[-1]
        losses = {name: last[name] for name in ("train_loss", "valid_loss") if name in last}
        self.bar_.set_postfix({name: f"{loss:.4f}" for name, loss in losses.items()})
        self.bar_.update()

    def on_train_end(self, net, **kwargs):
        self.bar_.close()
        del self.bar_  # an open bar cannot be pickled
