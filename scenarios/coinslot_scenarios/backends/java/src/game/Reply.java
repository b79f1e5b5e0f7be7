package game;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * One answer.
 *
 * afterwards   done when the answer has been sent, or could not be; may be null
 */
record Reply(int status, Map<String, Object> body, Runnable afterwards) {
    /** An answer whose members are given as name, value, name, value, … */
    static Reply of(int status, Object... namesAndValues) {
        Map<String, Object> body = new LinkedHashMap<>();
        for (int at = 0; at < namesAndValues.length; at += 2) {
            body.put((String) namesAndValues[at], namesAndValues[at + 1]);
        }
        return new Reply(status, body, null);
    }

    Reply then(Runnable afterwards) {
        return new Reply(status, body, afterwards);
    }
}
