#include "stages/inference/model/bisenet_face_parameters.h"

#include <algorithm>
#include <functional>
#include <set>

namespace millrace {
namespace {

constexpr std::int64_t kClasses = 19;

class ParameterList {
 public:
  void Convolution(const std::string& name, std::int64_t out, std::int64_t in,
                   std::int64_t kernel) {
    list_.push_back({name + ".weight", {out, in, kernel, kernel}});
  }

  void BatchNorm(const std::string& name, std::int64_t channels) {
    for (const char* part : {".weight", ".bias", ".running_mean", ".running_var"}) {
      list_.push_back({name + part, {channels}});
    }
    list_.push_back({name + ".num_batches_tracked", {}});
  }

  // Convolution, batch norm, ReLU.
  void Block(const std::string& name, std::int64_t out, std::int64_t in, std::int64_t kernel) {
    Convolution(name + ".conv", out, in, kernel);
    BatchNorm(name + ".bn", out);
  }

  // Two basic blocks of a ResNet-18; the first changes the number of channels.
  void ResidualLayer(const std::string& name, std::int64_t out, std::int64_t in) {
    for (int i = 0; i < 2; ++i) {
      const std::string block = name + "." + std::to_string(i);
      Convolution(block + ".conv1", out, i == 0 ? in : out, 3);
      BatchNorm(block + ".bn1", out);
      Convolution(block + ".conv2", out, out, 3);
      BatchNorm(block + ".bn2", out);
      if (i == 0 && in != out) {
        Convolution(block + ".downsample.0", out, in, 1);
        BatchNorm(block + ".downsample.1", out);
      }
    }
  }

  void Attention(const std::string& name, std::int64_t in) {
    Block(name + ".conv", 128, in, 3);
    Convolution(name + ".conv_atten", 128, 128, 1);
    BatchNorm(name + ".bn_atten", 128);
  }

  void Head(const std::string& name, std::int64_t in, std::int64_t middle) {
    Block(name + ".conv", middle, in, 3);
    Convolution(name + ".conv_out", kClasses, middle, 1);
  }

  std::vector<ParameterSpec> Take() { return std::move(list_); }

 private:
  std::vector<ParameterSpec> list_;
};

bool IsCounter(const ParameterSpec& spec) { return spec.shape.empty(); }

// "a, b, c and 7 more"
std::string Few(const std::vector<std::string>& names) {
  constexpr std::size_t kShown = 3;
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kShown); ++i) {
    text += (i == 0 ? "" : ", ") + names[i];
  }
  if (names.size() > kShown) text += " and " + std::to_string(names.size() - kShown) + " more";
  return text;
}

}  // namespace

std::vector<ParameterSpec> BiSeNetFaceParameters() {
  ParameterList list;
  list.Convolution("cp.resnet.conv1", 64, 3, 7);
  list.BatchNorm("cp.resnet.bn1", 64);
  list.ResidualLayer("cp.resnet.layer1", 64, 64);
  list.ResidualLayer("cp.resnet.layer2", 128, 64);
  list.ResidualLayer("cp.resnet.layer3", 256, 128);
  list.ResidualLayer("cp.resnet.layer4", 512, 256);
  list.Attention("cp.arm16", 256);
  list.Attention("cp.arm32", 512);
  list.Block("cp.conv_head32", 128, 128, 3);
  list.Block("cp.conv_head16", 128, 128, 3);
  list.Block("cp.conv_avg", 128, 512, 1);
  list.Block("ffm.convblk", 256, 256, 1);
  list.Convolution("ffm.conv1", 64, 256, 1);
  list.Convolution("ffm.conv2", 256, 64, 1);
  list.Head("conv_out", 256, 256);
  list.Head("conv_out16", 128, 64);
  list.Head("conv_out32", 128, 64);
  return list.Take();
}

Result<void> CheckBiSeNetFaceParameters(const StateDict& state, const std::string& path) {
  std::vector<std::string> missing;
  std::vector<std::string> wrong;
  std::set<std::string, std::less<>> known;
  for (const ParameterSpec& spec : BiSeNetFaceParameters()) {
    known.insert(spec.name);
    const StateTensor* tensor = state.Find(spec.name);
    if (tensor == nullptr) {
      if (!IsCounter(spec)) missing.push_back(spec.name + " (" + FormatShape(spec.shape) + ")");
      continue;
    }
    if (tensor->shape != spec.shape) {
      wrong.push_back(spec.name + " is " + FormatShape(tensor->shape) + " where " +
                      FormatShape(spec.shape) + " is needed");
    } else if (!IsCounter(spec) && tensor->type != ElementType::kFloat32 &&
               tensor->type != ElementType::kFloat64 && tensor->type != ElementType::kFloat16 &&
               tensor->type != ElementType::kBFloat16) {
      wrong.push_back(spec.name + " holds " + std::string(ElementTypeName(tensor->type)) +
                      " where float32 is needed");
    }
  }
  std::vector<std::string> unexpected;
  for (const StateTensor& tensor : state.tensors) {
    if (!known.contains(tensor.name)) unexpected.push_back(tensor.name);
  }
  if (missing.empty() && wrong.empty() && unexpected.empty()) return {};
  std::string text = path + " does not hold the weights of bisenet-face";
  if (!missing.empty()) text += "; missing: " + Few(missing);
  if (!wrong.empty()) text += "; wrong: " + Few(wrong);
  if (!unexpected.empty()) text += "; unexpected: " + Few(unexpected);
  text +=
      ". `millrace model inspect` lists what it holds, `millrace model fetch bisenet-face` fetches "
      "the published weights";
  return Fail(ErrorCode::kUnsupportedFormat, text);
}

}  // namespace millrace
