<?php
// COUNT JPEGs by PHP's GD, from SEED on, each behind its length (4 bytes, big-endian).
[, $count, $seed] = $argv;
mt_srand((int)$seed);
for ($i = 0; $i < (int)$count; ++$i) {
    $width = mt_rand(1, 90);
    $height = mt_rand(1, 70);
    $image = imagecreatetruecolor($width, $height);
    for ($shape = 0; $shape < 12; ++$shape) {
        $colour = imagecolorallocate($image, mt_rand(0, 255), mt_rand(0, 255), mt_rand(0, 255));
        imagefilledellipse($image, mt_rand(0, $width), mt_rand(0, $height), mt_rand(1, 60), mt_rand(1, 60), $colour);
    }
    imageinterlace($image, mt_rand(0, 1) === 1);
    ob_start();
    imagejpeg($image, null, mt_rand(1, 100));
    $bytes = ob_get_clean();
    echo pack('N', strlen($bytes)), $bytes;
}
