// Makes the vectors with the JDK alone: MessageDigest and Signature.
// Usage: java MakeVectors.java signatures|tokens < inputs.tsv > vectors.json
// It knows nothing of Coinslot's own code, which is the point of it.

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.MessageDigest;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.interfaces.RSAPrivateCrtKey;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.RSAPublicKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

public class MakeVectors {
    public static void main(String[] arguments) throws Exception {
        List<String> entries = new ArrayList<>();
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            if (line.isEmpty() || line.startsWith("#")) {
                continue;
            }
            String[] row = line.split("\t");
            entries.add(arguments[0].equals("tokens") ? token(row) : signature(row));
        }
        PrintStream output = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        output.print("{\n \"tool\": \"jdk " + System.getProperty("java.version") + "\",\n \"vectors\": [\n");
        output.print(String.join(",\n", entries) + "\n ]\n}\n");
    }

    private static String signature(String[] row) throws Exception {
        byte[] body = hex(row[1]);
        byte[] key = hex(row[2]);
        MessageDigest digest = MessageDigest.getInstance("SHA-1");
        digest.update(body);
        digest.update(key);
        HexFormat hex = HexFormat.of();
        return "  {\n   \"name\": \"" + row[0] + "\",\n   \"body_hex\": \"" + hex.formatHex(body)
            + "\",\n   \"shared_key_hex\": \"" + hex.formatHex(key)
            + "\",\n   \"signature\": \"" + hex.formatHex(digest.digest()) + "\"\n  }";
    }

    private static String token(String[] row) throws Exception {
        String signed = base64Url(row[1].getBytes(StandardCharsets.UTF_8)) + "."
            + base64Url(row[2].getBytes(StandardCharsets.UTF_8));
        String token = row[3].equals("dropped") ? signed : signed + "." + base64Url(sign(row[3], signed));
        return "  {\n   \"name\": \"" + row[0] + "\",\n   \"token\": \"" + token
            + "\",\n   \"verdict\": \"" + row[4] + "\",\n   \"made_by\": \"java.security\"\n  }";
    }

    private static byte[] sign(String signer, String text) throws Exception {
        byte[] input = text.getBytes(StandardCharsets.US_ASCII);
        switch (signer) {
            case "signing":
                return rsa("SHA256withRSA", "signing-key.pem", input);
            case "signing-sha512":
                return rsa("SHA512withRSA", "signing-key.pem", input);
            case "other":
                return rsa("SHA256withRSA", "other-key.pem", input);
            case "hs256-pem":
                return hmac(pem(publicDer()).getBytes(StandardCharsets.US_ASCII), input);
            case "hs256-der":
                return hmac(publicDer(), input);
            case "empty":
                return new byte[0];
            default:
                throw new IllegalArgumentException("unknown signer " + signer);
        }
    }

    private static byte[] rsa(String algorithm, String file, byte[] input) throws Exception {
        Signature signature = Signature.getInstance(algorithm);
        signature.initSign(privateKey(file));
        signature.update(input);
        return signature.sign();
    }

    private static byte[] hmac(byte[] key, byte[] input) throws Exception {
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(key, "HmacSHA256"));
        return mac.doFinal(input);
    }

    private static PrivateKey privateKey(String file) throws Exception {
        String body = Files.readString(Path.of(file)).replaceAll("-----[A-Z ]+-----|\\s", "");
        byte[] der = Base64.getDecoder().decode(body);
        return KeyFactory.getInstance("RSA").generatePrivate(new PKCS8EncodedKeySpec(der));
    }

    private static byte[] publicDer() throws Exception {
        RSAPrivateCrtKey key = (RSAPrivateCrtKey) privateKey("signing-key.pem");
        BigInteger exponent = key.getPublicExponent();
        RSAPublicKeySpec spec = new RSAPublicKeySpec(key.getModulus(), exponent);
        return KeyFactory.getInstance("RSA").generatePublic(spec).getEncoded();
    }

    private static String pem(byte[] der) {
        String body = Base64.getEncoder().encodeToString(der);
        return "-----BEGIN PUBLIC KEY-----\n" + body + "\n-----END PUBLIC KEY-----";
    }

    private static byte[] hex(String text) {
        return text.equals("-") ? new byte[0] : HexFormat.of().parseHex(text);
    }

    private static String base64Url(byte[] bytes) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }
}
