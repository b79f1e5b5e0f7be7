package game;

import java.math.BigInteger;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * From a JSON member to a value that the rest of the program may trust.
 *
 * Portals write one id now as a number, now as a string. Here every id becomes decimal text, once and for all:
 * otherwise 257 and "257" are two players.
 */
final class Fields {
    private static final Pattern DIGITS = Pattern.compile("0|[1-9][0-9]{0,18}");
    private static final Pattern UNSTORABLE = Pattern.compile("[\\x00-\\x1f]|\\p{Cs}");
    private static final int CHARS_MAX = 255;

    private Fields() {}

    /** The member's value, or null: absent, null and "" are one thing. */
    static Object optional(Map<String, Object> fields, String name) {
        Object value = fields.get(name);
        return "".equals(value) ? null : value;
    }

    static Object required(Map<String, Object> fields, String name) {
        Object value = optional(fields, name);
        if (value == null) {
            throw new Refused("field-missing", name + " is missing");
        }
        return value;
    }

    /** An id as decimal text; " 257" and "0257" are not 257. */
    static String decimalId(Map<String, Object> fields, String name) {
        Object value = required(fields, name);
        boolean isWhole = value instanceof Long number && number >= 0;
        boolean isDigits = value instanceof String text
                && DIGITS.matcher(text).matches()
                && new BigInteger(text).bitLength() < 64;
        if (!isWhole && !isDigits) {
            throw new Refused("field-invalid", name + " is not a whole number");
        }
        return value.toString();
    }

    /** An opaque, case-sensitive string; never trimmed, never folded. */
    static String text(Map<String, Object> fields, String name) {
        if (!(required(fields, name) instanceof String text)
                || text.length() > CHARS_MAX
                || UNSTORABLE.matcher(text).find()) {
            throw new Refused("field-invalid", name + " is not a string of 1 to " + CHARS_MAX + " characters");
        }
        return text;
    }

    /** A whole number from 0: a time in seconds, a status. */
    static long wholeNumber(Map<String, Object> fields, String name) {
        if (!(required(fields, name) instanceof Long number) || number < 0) {
            throw new Refused("field-invalid", name + " is not a whole number");
        }
        return number;
    }

    /** 0 refunding, 1 refunded, 2 failed, 3 rejected; -1 for none. */
    static long refundStatus(Map<String, Object> fields) {
        if (optional(fields, "refundStatus") == null) {
            return -1;
        }
        long status = wholeNumber(fields, "refundStatus");
        if (status > 3) {
            throw new Refused("field-invalid", "refundStatus is not 0 to 3");
        }
        return status;
    }
}
