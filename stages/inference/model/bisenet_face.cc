#include "stages/inference/model/bisenet_face.h"

#include <ATen/ATen.h>

#include <cstddef>
#include <span>

#include "stages/inference/model/bisenet_face_parameters.h"

namespace millrace {
namespace {

constexpr double kBatchNormEpsilon = 1e-5;

at::ScalarType TorchType(ElementType type) {
  switch (type) {
    case ElementType::kFloat64:
      return at::kDouble;
    case ElementType::kFloat16:
      return at::kHalf;
    case ElementType::kBFloat16:
      return at::kBFloat16;
    default:  // CheckBiSeNetFaceParameters lets no integers through
      return at::kFloat;
  }
}

// On the CPU channels last is a sixth faster (docs/measurements/inference.md).
at::MemoryFormat FormatFor(const at::Device& device) {
  return device.is_cpu() ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
}

at::Tensor GlobalAverage(const at::Tensor& in) { return at::adaptive_avg_pool2d(in, {1, 1}); }

at::Tensor NearestTo(const at::Tensor& in, const at::Tensor& like) {
  return at::upsample_nearest2d(in, {like.size(2), like.size(3)});
}

}  // namespace

class BiSeNetFace::Weights {
 public:
  Weights(const StateDict& state, const at::Device& device) : state_(state), device_(device) {}

  [[nodiscard]] Convolution Plain(const std::string& name, std::int64_t stride = 1) const {
    return Place(Read(name + ".weight"), {}, stride);
  }

  // In double, rounded once.
  [[nodiscard]] Convolution Folded(const std::string& conv, const std::string& norm,
                                   std::int64_t stride = 1) const {
    const at::Tensor scale =
        Read(norm + ".weight") / (Read(norm + ".running_var") + kBatchNormEpsilon).sqrt();
    const at::Tensor bias = Read(norm + ".bias") - Read(norm + ".running_mean") * scale;
    return Place(Read(conv + ".weight") * scale.view({-1, 1, 1, 1}), bias, stride);
  }

  [[nodiscard]] Convolution Block(const std::string& name) const {
    return Folded(name + ".conv", name + ".bn");
  }

  [[nodiscard]] std::vector<BasicBlock> Layer(const std::string& name, std::int64_t stride) const {
    std::vector<BasicBlock> blocks;
    for (int i = 0; i < 2; ++i) {
      const std::string block = name + "." + std::to_string(i);
      BasicBlock& last = blocks.emplace_back();
      last.conv1 = Folded(block + ".conv1", block + ".bn1", i == 0 ? stride : 1);
      last.conv2 = Folded(block + ".conv2", block + ".bn2");
      last.downsampled = i == 0 && stride != 1;
      if (last.downsampled) {
        last.downsample = Folded(block + ".downsample.0", block + ".downsample.1", stride);
      }
    }
    return blocks;
  }

  [[nodiscard]] Attention Refinement(const std::string& name) const {
    return {Block(name + ".conv"), Folded(name + ".conv_atten", name + ".bn_atten")};
  }

 private:
  [[nodiscard]] at::Tensor Read(const std::string& name) const {
    const StateTensor& stored = *state_.Find(name);
    at::Tensor tensor = at::empty(stored.shape, at::TensorOptions(TorchType(stored.type)));
    stored.CopyTo({static_cast<std::byte*>(tensor.data_ptr()), tensor.nbytes()});
    return tensor.to(at::kDouble);
  }

  [[nodiscard]] Convolution Place(const at::Tensor& weight, const at::Tensor& bias,
                                  std::int64_t stride) const {
    return {weight.to(at::kFloat).to(device_).contiguous(FormatFor(device_)),
            bias.defined() ? bias.to(at::kFloat).to(device_) : bias, stride};
  }

  const StateDict& state_;
  at::Device device_;
};

Result<BiSeNetFace> BiSeNetFace::Load(const StateDict& state, const std::string& path,
                                      const at::Device& device) {
  RETURN_IF_ERROR(CheckBiSeNetFaceParameters(state, path));
  const Weights weights(state, device);
  BiSeNetFace net;
  net.stem_ = weights.Folded("cp.resnet.conv1", "cp.resnet.bn1", 2);
  for (int i = 1; i <= 4; ++i) {
    net.layers_.push_back(weights.Layer("cp.resnet.layer" + std::to_string(i), i == 1 ? 1 : 2));
  }
  net.attention16_ = weights.Refinement("cp.arm16");
  net.attention32_ = weights.Refinement("cp.arm32");
  net.head32_ = weights.Block("cp.conv_head32");
  net.head16_ = weights.Block("cp.conv_head16");
  net.average_ = weights.Block("cp.conv_avg");
  net.fuse_ = weights.Block("ffm.convblk");
  net.squeeze_ = weights.Plain("ffm.conv1");
  net.excite_ = weights.Plain("ffm.conv2");
  net.out_ = weights.Block("conv_out.conv");
  net.classify_ = weights.Plain("conv_out.conv_out");
  return net;
}

at::Tensor BiSeNetFace::Convolution::operator()(const at::Tensor& in) const {
  const std::int64_t padding = weight.size(2) / 2;
  return at::conv2d(in, weight, bias, {stride, stride}, {padding, padding});
}

at::Tensor BiSeNetFace::BasicBlock::operator()(const at::Tensor& in) const {
  at::Tensor out = conv2(conv1(in).relu_());
  return out.add_(downsampled ? downsample(in) : in).relu_();
}

at::Tensor BiSeNetFace::Attention::operator()(const at::Tensor& in) const {
  at::Tensor feature = conv(in).relu_();
  return feature.mul_(attention(GlobalAverage(feature)).sigmoid_());
}

at::Tensor BiSeNetFace::Logits(const at::Tensor& pictures) const {
  const at::Tensor placed = pictures.contiguous(FormatFor(pictures.device()));
  at::Tensor x = at::max_pool2d(stem_(placed).relu_(), {3, 3}, {2, 2}, {1, 1});
  std::vector<at::Tensor> features;
  for (const std::vector<BasicBlock>& layer : layers_) {
    for (const BasicBlock& block : layer) x = block(x);
    features.push_back(x);
  }
  const at::Tensor& feat8 = features[1];
  const at::Tensor& feat16 = features[2];
  const at::Tensor& feat32 = features[3];
  // One value a channel: spreading it to feat32's size is what the sum does.
  const at::Tensor average = average_(GlobalAverage(feat32)).relu_();
  const at::Tensor up32 = head32_(NearestTo(attention32_(feat32).add_(average), feat16)).relu_();
  const at::Tensor up16 = head16_(NearestTo(attention16_(feat16).add_(up32), feat8)).relu_();
  at::Tensor fused = fuse_(at::cat({feat8, up16}, 1)).relu_();
  const at::Tensor attention = excite_(squeeze_(GlobalAverage(fused)).relu_()).sigmoid_();
  fused = fused * attention + fused;
  return classify_(out_(fused).relu_());
}

}  // namespace millrace
