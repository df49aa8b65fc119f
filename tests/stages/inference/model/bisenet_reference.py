"""BiSeNet for face parsing in PyTorch: the yardstick for the C++ one, and independent of it.

Written from the paper (Yu et al., ECCV 2018) and the names of the published state dict.
"""
import torch
from torch import nn
from torch.nn import functional as F


class ConvBNReLU(nn.Module):
    def __init__(self, inputs, outputs, kernel=3, stride=1):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, x):
        return F.relu(self.bn(self.conv(x)))


class BasicBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if inputs != outputs or stride != 1:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False),
                                            nn.BatchNorm2d(outputs))

    def forward(self, x):
        residual = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        shortcut = x if self.downsample is None else self.downsample(x)
        return F.relu(shortcut + residual)


class ResNet18(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.layer1 = self.layer(64, 64, 1)
        self.layer2 = self.layer(64, 128, 2)
        self.layer3 = self.layer(128, 256, 2)
        self.layer4 = self.layer(256, 512, 2)

    @staticmethod
    def layer(inputs, outputs, stride):
        return nn.Sequential(BasicBlock(inputs, outputs, stride), BasicBlock(outputs, outputs, 1))

    def forward(self, x):
        x = self.layer1(self.maxpool(F.relu(self.bn1(self.conv1(x)))))
        feat8 = self.layer2(x)
        feat16 = self.layer3(feat8)
        return feat8, feat16, self.layer4(feat16)


class AttentionRefinement(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv = ConvBNReLU(inputs, outputs)
        self.conv_atten = nn.Conv2d(outputs, outputs, 1, bias=False)
        self.bn_atten = nn.BatchNorm2d(outputs)

    def forward(self, x):
        feature = self.conv(x)
        pooled = F.avg_pool2d(feature, feature.shape[2:])
        return feature * torch.sigmoid(self.bn_atten(self.conv_atten(pooled)))


class ContextPath(nn.Module):
    def __init__(self):
        super().__init__()
        self.resnet = ResNet18()
        self.arm16 = AttentionRefinement(256, 128)
        self.arm32 = AttentionRefinement(512, 128)
        self.conv_head32 = ConvBNReLU(128, 128)
        self.conv_head16 = ConvBNReLU(128, 128)
        self.conv_avg = ConvBNReLU(512, 128, kernel=1)

    def forward(self, x):
        feat8, feat16, feat32 = self.resnet(x)
        average = self.conv_avg(F.avg_pool2d(feat32, feat32.shape[2:]))
        average = F.interpolate(average, feat32.shape[2:], mode="nearest")
        up32 = F.interpolate(self.arm32(feat32) + average, feat16.shape[2:], mode="nearest")
        up32 = self.conv_head32(up32)
        up16 = F.interpolate(self.arm16(feat16) + up32, feat8.shape[2:], mode="nearest")
        return feat8, self.conv_head16(up16), up32


class FeatureFusion(nn.Module):
    def __init__(self):
        super().__init__()
        self.convblk = ConvBNReLU(256, 256, kernel=1)
        self.conv1 = nn.Conv2d(256, 64, 1, bias=False)
        self.conv2 = nn.Conv2d(64, 256, 1, bias=False)

    def forward(self, spatial, context):
        feature = self.convblk(torch.cat([spatial, context], dim=1))
        attention = F.avg_pool2d(feature, feature.shape[2:])
        attention = torch.sigmoid(self.conv2(F.relu(self.conv1(attention))))
        return feature * attention + feature


class Output(nn.Module):
    def __init__(self, inputs, middle, classes):
        super().__init__()
        self.conv = ConvBNReLU(inputs, middle)
        self.conv_out = nn.Conv2d(middle, classes, 1, bias=False)

    def forward(self, x):
        return self.conv_out(self.conv(x))


class BiSeNet(nn.Module):
    """N x 3 x H x W floats -> N x 19 x H x W logits of the main head.

    With full_size=False the logits stay at a stride of 8.
    """

    def __init__(self, classes=19, full_size=True):
        super().__init__()
        self.cp = ContextPath()
        self.ffm = FeatureFusion()
        self.conv_out = Output(256, 256, classes)
        self.conv_out16 = Output(128, 64, classes)
        self.conv_out32 = Output(128, 64, classes)
        self.full_size = full_size

    def forward(self, x):
        feat8, up16, _ = self.cp(x)
        logits = self.conv_out(self.ffm(feat8, up16))
        if not self.full_size:
            return logits
        return F.interpolate(logits, x.shape[2:], mode="bilinear", align_corners=True)


def normalised(pictures):
    """N x H x W x 3 uint8 -> N x 3 x H x W float32, as torchvision's ToTensor and Normalize."""
    mean = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
    deviation = torch.tensor([0.229, 0.224, 0.225])[:, None, None]
    return (pictures.permute(0, 3, 1, 2).float().div(255) - mean) / deviation


def random_model(seed):
    """Random weights, and batch-norm statistics far from 0 and 1, so that the argmax varies."""
    torch.manual_seed(seed)
    model = BiSeNet().eval()
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, a=1)
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.5, 2)
            module.weight.data.uniform_(0.5, 1.5)
            module.bias.data.normal_(0, 0.3)
            module.num_batches_tracked.fill_(80000)
    return model
