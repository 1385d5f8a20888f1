package org.mixtureofmamba.tokenizers.image;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

import org.mixtureofmamba.core.modality.Modality;
import org.mixtureofmamba.tokenizers.MediaType;

/**
 * What the bytes of an image file tell before it is decoded: its format, whether it is all there (decoders fill what is
 * missing of some formats with grey and say nothing), and how the camera was held.
 *
 * @param format as recognised by its first bytes
 * @param whole whether the end that the format prescribes was found; true for formats whose decoders look themselves
 * @param orientation the EXIF orientation, 1 (upright) to 8
 */
record EncodedImage(Optional<MediaType> format, boolean whole, int orientation) {
    private static final int UPRIGHT = 1;
    private static final int ORIENTATION_TAG = 0x0112;
    private static final int SHORT = 3;

    /** Looks at a whole file. */
    static EncodedImage of(byte[] bytes) {
        var format = MediaType.ofBytes(bytes).filter(type -> type.modality() == Modality.IMAGE);
        var buffer = ByteBuffer.wrap(bytes).order(ByteOrder.BIG_ENDIAN);
        if (format.isEmpty()) {
            return new EncodedImage(format, true, UPRIGHT);
        }
        return switch (format.get()) {
            case JPEG -> jpeg(buffer);
            case PNG -> new EncodedImage(format, true, exif(pngChunk(buffer, "eXIf")));
            case WEBP -> webp(buffer.order(ByteOrder.LITTLE_ENDIAN));
            case GIF -> new EncodedImage(format, gifIsWhole(bytes), UPRIGHT);
            default -> new EncodedImage(format, true, UPRIGHT);
        };
    }

    /** Markers up to the start of the scan, then the end marker behind it. */
    private static EncodedImage jpeg(ByteBuffer buffer) {
        int orientation = UPRIGHT;
        int at = 2;
        while (at + 4 <= buffer.limit() && buffer.get(at) == (byte) 0xFF) {
            int marker = buffer.get(at + 1) & 0xFF;
            if (marker == 0xFF) {
                at++;
                continue;
            }
            if (marker == 0xDA) {
                break;
            }
            int length = buffer.getShort(at + 2) & 0xFFFF;
            int data = at + 4;
            int end = Math.min(buffer.limit(), at + 2 + length);
            if (marker == 0xE1 && end - data > 6 && ascii(buffer, data, 6).equals("Exif\0\0")) {
                orientation = exif(Optional.of(buffer.slice(data + 6, end - data - 6)));
            }
            at += 2 + Math.max(2, length);
        }
        return new EncodedImage(Optional.of(MediaType.JPEG), hasJpegEnd(buffer, at), orientation);
    }

    private static boolean hasJpegEnd(ByteBuffer buffer, int scan) {
        for (int i = buffer.limit() - 2; i >= scan; i--) {
            if (buffer.get(i) == (byte) 0xFF && buffer.get(i + 1) == (byte) 0xD9) {
                return true;
            }
        }
        return false;
    }

    /** Scans of a JPEG, those of a thumbnail in its notes included. */
    static int jpegScans(byte[] bytes) {
        int scans = 0;
        for (int i = 0; i + 1 < bytes.length; i++) {
            if (bytes[i] == (byte) 0xFF && bytes[i + 1] == (byte) 0xDA) {
                scans++;
            }
        }
        return scans;
    }

    private static Optional<ByteBuffer> pngChunk(ByteBuffer buffer, String type) {
        int at = 8;
        while (at + 8 <= buffer.limit()) {
            int length = buffer.getInt(at);
            if (length < 0 || at + 12L + length > buffer.limit()) {
                break;
            }
            if (ascii(buffer, at + 4, 4).equals(type)) {
                return Optional.of(buffer.slice(at + 8, length));
            }
            at += 12 + length;
        }
        return Optional.empty();
    }

    private static EncodedImage webp(ByteBuffer buffer) {
        int orientation = UPRIGHT;
        int at = 12;
        while (at + 8 <= buffer.limit()) {
            int length = buffer.getInt(at + 4);
            if (length < 0 || at + 8L + length > buffer.limit()) {
                break;
            }
            if (ascii(buffer, at, 4).equals("EXIF")) {
                var content = buffer.slice(at + 8, length);
                boolean prefixed = length > 6 && ascii(content, 0, 6).equals("Exif\0\0");
                orientation = exif(Optional.of(prefixed ? content.slice(6, length - 6) : content));
            }
            at += 8 + length + length % 2;
        }
        boolean whole = buffer.limit() >= 12 && (buffer.getInt(4) & 0xFFFFFFFFL) + 8 <= buffer.limit();
        return new EncodedImage(Optional.of(MediaType.WEBP), whole, orientation);
    }

    /** The first frame's data ends with an empty block. */
    private static boolean gifIsWhole(byte[] bytes) {
        int at = 13 + (bytes.length > 10 && (bytes[10] & 0x80) != 0 ? 3 << (bytes[10] & 7) + 1 : 0);
        while (at < bytes.length) {
            int block = bytes[at] & 0xFF;
            if (block == 0x21) {
                at = afterBlocks(bytes, at + 2);
            } else if (block == 0x2C) {
                if (at + 10 >= bytes.length) {
                    return false;
                }
                int colours = (bytes[at + 9] & 0x80) != 0 ? 3 << (bytes[at + 9] & 7) + 1 : 0;
                return afterBlocks(bytes, at + 11 + colours) <= bytes.length;
            } else {
                return false;
            }
        }
        return false;
    }

    private static int afterBlocks(byte[] bytes, int from) {
        int at = from;
        while (at < bytes.length && bytes[at] != 0) {
            at += 1 + (bytes[at] & 0xFF);
        }
        return at + 1;
    }

    /** Orientation from the first directory of a TIFF structure; whatever does not fit together counts as upright. */
    private static int exif(Optional<ByteBuffer> content) {
        if (content.isEmpty() || content.get().limit() < 14) {
            return UPRIGHT;
        }
        var tiff = content.get();
        switch (ascii(tiff, 0, 2)) {
            case "II" -> tiff.order(ByteOrder.LITTLE_ENDIAN);
            case "MM" -> tiff.order(ByteOrder.BIG_ENDIAN);
            default -> {
                return UPRIGHT;
            }
        }
        int directory = tiff.getInt(4);
        if (directory < 8 || directory > tiff.limit() - 2) {
            return UPRIGHT;
        }
        int entries = tiff.getShort(directory) & 0xFFFF;
        for (int i = 0; i < entries; i++) {
            int entry = directory + 2 + 12 * i;
            if (entry + 12 > tiff.limit()) {
                break;
            }
            if ((tiff.getShort(entry) & 0xFFFF) == ORIENTATION_TAG && tiff.getShort(entry + 2) == SHORT) {
                int value = tiff.getShort(entry + 8) & 0xFFFF;
                return value >= 1 && value <= 8 ? value : UPRIGHT;
            }
        }
        return UPRIGHT;
    }

    private static String ascii(ByteBuffer buffer, int from, int length) {
        byte[] bytes = new byte[length];
        buffer.get(from, bytes);
        return new String(bytes, StandardCharsets.ISO_8859_1);
    }
}
