// COUNT JPEGs by Go's image/jpeg, from SEED on, each behind its length (4 bytes, big-endian).
package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/jpeg"
	"math/rand"
	"os"
	"strconv"
)

func main() {
	count, _ := strconv.Atoi(os.Args[1])
	seed, _ := strconv.ParseInt(os.Args[2], 10, 64)
	random := rand.New(rand.NewSource(seed))
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for i := 0; i < count; i++ {
		bounds := image.Rect(0, 0, 1+random.Intn(90), 1+random.Intn(70))
		noise, step := 1+random.Intn(256), 1+random.Intn(8)
		var picture image.Image
		grey, colours := image.NewGray(bounds), image.NewRGBA(bounds)
		for y := 0; y < bounds.Max.Y; y++ {
			for x := 0; x < bounds.Max.X; x++ {
				level := uint8(step*(x+y) + random.Intn(noise))
				grey.Set(x, y, color.Gray{level})
				colours.Set(x, y, color.RGBA{level, uint8(step * x), uint8(255 - level), 255})
			}
		}
		picture = colours
		if random.Intn(4) == 0 {
			picture = grey
		}
		var coded bytes.Buffer
		if err := jpeg.Encode(&coded, picture, &jpeg.Options{Quality: 1 + random.Intn(100)}); err != nil {
			panic(err)
		}
		binary.Write(out, binary.BigEndian, uint32(coded.Len()))
		out.Write(coded.Bytes())
	}
}
