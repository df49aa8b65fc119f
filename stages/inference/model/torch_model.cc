#include "stages/inference/model/torch_model.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <functional>
#include <utility>

#include "stages/inference/model/bisenet_face.h"
#include "stages/inference/model/device.h"
#include "stages/inference/model/script_module.h"
#include "stages/inference/model/upsample_argmax.h"
#include "stages/inference/unpickler/state_dict.h"

namespace millrace {
namespace {

// ImageNet's, of RGB in 0..1: what the ResNet was trained with.
constexpr float kMean[3] = {0.485F, 0.456F, 0.406F};
constexpr float kDeviation[3] = {0.229F, 0.224F, 0.225F};

// N x 3 x H x W normalised pictures -> N x C x h x w logits.
using Network = std::function<at::Tensor(const at::Tensor&)>;

// The first line of what LibTorch throws; the rest is its own call stack. What a TorchScript module
// threw stands behind the module's call stack.
std::string Reason(const std::exception& error) {
  const std::string text = error.what();
  std::size_t begin = 0;
  if (text.starts_with("The following operation failed in the TorchScript interpreter")) {
    const std::size_t thrown = text.rfind("Error: ");  // "RuntimeError: ", "ValueError: ", ...
    if (thrown != std::string::npos) begin = text.rfind('\n', thrown) + 1;
  }
  return text.substr(begin, text.find('\n', begin) - begin);
}

// Labels of every picture from N x C x h x w logits.
std::vector<Labels> LabelsOf(const at::Tensor& logits, std::int64_t height, std::int64_t width) {
  const std::int64_t count = logits.size(0);
  std::vector<Labels> labels(static_cast<std::size_t>(count));
  for (Labels& each : labels) each.resize(static_cast<std::size_t>(height * width));
  if (logits.is_cuda()) {
    const at::Tensor classes = at::upsample_bilinear2d(logits, {height, width}, true)
                                   .argmax(1)
                                   .to(at::kByte)
                                   .cpu()
                                   .contiguous();
    const std::uint8_t* from = classes.data_ptr<std::uint8_t>();
    for (Labels& each : labels) {
      std::memcpy(each.data(), from, each.size());
      from += each.size();
    }
    return labels;
  }
  const at::Tensor planes = logits.contiguous();
  const float* data = planes.data_ptr<float>();
  const std::int64_t classes = planes.size(1);
  const std::int64_t plane = planes.size(2) * planes.size(3);
  at::parallel_for(0, count * height, 64, [&](std::int64_t first, std::int64_t last) {
    while (first < last) {
      const std::int64_t picture = first / height;
      const std::int64_t row = first % height;
      const std::int64_t rows = std::min(last - first, height - row);
      UpsampleArgmax(data + picture * classes * plane, classes, planes.size(2), planes.size(3),
                     height, width, row, row + rows,
                     labels[static_cast<std::size_t>(picture)].data());
      first += rows;
    }
  });
  return labels;
}

class TorchModel final : public Model {
 public:
  TorchModel(Network network, DeviceChoice choice, int threads)
      : network_(std::move(network)),
        device_(choice.device),
        remark_(std::move(choice.remark)),
        threads_(threads) {
    const auto on_device = [&](const float* values) {
      return at::tensor(c10::ArrayRef<float>(values, 3), at::kFloat).view({3, 1, 1}).to(device_);
    };
    mean_ = on_device(kMean);
    deviation_ = on_device(kDeviation);
  }

  Result<std::vector<Labels>> Segment(const PictureBatch& batch) override {
    try {
      // A property of the calling thread in LibTorch; cheap where it does not change.
      if (at::get_num_threads() != threads_) at::set_num_threads(threads_);
      const c10::InferenceMode inference;
      const at::Tensor logits = network_(Normalised(batch));
      if (logits.dim() != 4 || logits.size(0) != static_cast<std::int64_t>(batch.pictures.size()) ||
          logits.size(1) < 1 || logits.size(1) > 256 || logits.scalar_type() != at::kFloat) {
        return Fail(ErrorCode::kUsage,
                    "the model gives " + std::string(logits.toString()) + " of " +
                        FormatShape({logits.sizes().data(), logits.sizes().size()}) +
                        " where N x C x h x w float32 logits are needed, C at most 256");
      }
      return LabelsOf(logits, batch.height, batch.width);
    } catch (const std::exception& error) {
      return Fail(ErrorCode::kInternal, "the model failed: " + Reason(error));
    }
  }

  [[nodiscard]] std::string RunsOn() const override {
    return device_.str() + ", " + std::to_string(threads_) +
           (threads_ == 1 ? " thread" : " threads");
  }
  [[nodiscard]] std::string Remark() const override { return remark_; }

 private:
  // N x 3 x H x W float32 on the device: (value / 255 - mean) / deviation, as torchvision's
  // ToTensor and Normalize, rounding included.
  at::Tensor Normalised(const PictureBatch& batch) const {
    const std::int64_t bytes = batch.height * batch.width * 3;
    at::Tensor pictures =
        at::empty({static_cast<std::int64_t>(batch.pictures.size()), batch.height, batch.width, 3},
                  at::TensorOptions(at::kByte));
    auto* to = pictures.data_ptr<std::uint8_t>();
    for (const auto& picture : batch.pictures) {
      TORCH_CHECK(picture.size() == static_cast<std::size_t>(bytes),
                  "a picture's bytes are not height x width x 3");
      std::memcpy(to, picture.data(), picture.size());
      to += bytes;
    }
    return pictures.to(device_)
        .permute({0, 3, 1, 2})
        .to(at::kFloat, false, false, at::MemoryFormat::Contiguous)
        .div_(255)
        .sub_(mean_)
        .div_(deviation_);
  }

  Network network_;
  at::Device device_;
  std::string remark_;
  int threads_;
  at::Tensor mean_;
  at::Tensor deviation_;
};

Result<Network> LoadNetwork(const TorchModelOptions& options, const at::Device& device) {
  if (options.kind == TorchModelKind::kTorchScript) {
    ASSIGN_OR_RETURN(ScriptModule module, ScriptModule::Load(options.weights, device));
    return [module = std::move(module)](const at::Tensor& pictures) mutable {
      return module.Logits(pictures);
    };
  }
  ASSIGN_OR_RETURN(const StateDict state, LoadStateDict(options.weights));
  ASSIGN_OR_RETURN(BiSeNetFace net, BiSeNetFace::Load(state, options.weights, device));
  return [net = std::move(net)](const at::Tensor& pictures) { return net.Logits(pictures); };
}

}  // namespace

Result<std::unique_ptr<Model>> LoadTorchModel(const TorchModelOptions& options) {
  try {
    ASSIGN_OR_RETURN(DeviceChoice choice,
                     ChooseDevice(options.device, options.replica, FindDevices()));
    UseExactFp32();
    at::set_num_threads(options.threads);
    const c10::InferenceMode inference;
    ASSIGN_OR_RETURN(auto network, LoadNetwork(options, choice.device));
    return std::make_unique<TorchModel>(std::move(network), std::move(choice), options.threads);
  } catch (const std::exception& error) {
    return Fail(ErrorCode::kInternal,
                "cannot load the model from " + options.weights + ": " + Reason(error));
  }
}

}  // namespace millrace
