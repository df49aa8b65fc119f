// COUNT JPEGs by Java's ImageIO, from SEED on, each behind its length (4 bytes, big-endian).
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.util.Random;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageWriteParam;
import javax.imageio.ImageWriter;
import javax.imageio.stream.MemoryCacheImageOutputStream;

public class ImageIo {
  public static void main(String[] words) throws Exception {
    ImageIO.setUseCache(false);
    Random random = new Random(Long.parseLong(words[1]));
    DataOutputStream out = new DataOutputStream(new BufferedOutputStream(System.out));
    ImageWriter writer = ImageIO.getImageWritersByFormatName("jpeg").next();
    for (int i = 0; i < Integer.parseInt(words[0]); ++i) {
      int kind = random.nextInt(4) == 0 ? BufferedImage.TYPE_BYTE_GRAY : BufferedImage.TYPE_INT_RGB;
      BufferedImage image = new BufferedImage(1 + random.nextInt(90), 1 + random.nextInt(70), kind);
      Graphics2D graphics = image.createGraphics();
      for (int shape = 0; shape < 12; ++shape) {
        graphics.setColor(new Color(random.nextInt(1 << 24)));
        graphics.fillOval(random.nextInt(90), random.nextInt(70), random.nextInt(60), random.nextInt(60));
      }
      graphics.dispose();
      ImageWriteParam how = writer.getDefaultWriteParam();
      how.setCompressionMode(ImageWriteParam.MODE_EXPLICIT);
      how.setCompressionQuality(random.nextFloat());
      if (random.nextBoolean()) how.setProgressiveMode(ImageWriteParam.MODE_DEFAULT);
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      MemoryCacheImageOutputStream stream = new MemoryCacheImageOutputStream(bytes);
      writer.setOutput(stream);
      writer.write(null, new IIOImage(image, null, null), how);
      stream.close();
      out.writeInt(bytes.size());
      bytes.writeTo(out);
    }
    out.flush();
  }
}
