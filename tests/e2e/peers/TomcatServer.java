// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

import jakarta.websocket.DeploymentException;
import jakarta.websocket.OnMessage;
import jakarta.websocket.OnOpen;
import jakarta.websocket.Session;
import jakarta.websocket.server.ServerContainer;
import jakarta.websocket.server.ServerEndpoint;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.catalina.Context;
import org.apache.catalina.startup.Tomcat;
import org.apache.tomcat.websocket.server.WsSci;

/** Echo server of Tomcat, embedded. Arguments: PORT DIRECTORY. */
public final class TomcatServer {
    private static final AtomicLong TEXTS = new AtomicLong();
    private static final AtomicLong BINARIES = new AtomicLong();
    private static final AtomicLong BYTES = new AtomicLong();
    private static final int LIMIT = 1 << 22;

    /** One connection. */
    @ServerEndpoint("/")
    public static final class Echo {
        @OnOpen
        public void open(Session session) {
            session.setMaxTextMessageBufferSize(LIMIT);
            session.setMaxBinaryMessageBufferSize(LIMIT);
        }

        @OnMessage
        public void text(Session session, String message) throws IOException {
            TEXTS.incrementAndGet();
            BYTES.addAndGet(message.length());
            session.getBasicRemote().sendText(message);
        }

        @OnMessage
        public void binary(Session session, ByteBuffer message) throws IOException {
            BINARIES.incrementAndGet();
            BYTES.addAndGet(message.remaining());
            session.getBasicRemote().sendBinary(message);
        }
    }

    private TomcatServer() {}

    public static void main(String[] arguments) throws Exception {
        Tomcat tomcat = new Tomcat();
        tomcat.setBaseDir(arguments[1]);
        tomcat.setPort(Integer.parseInt(arguments[0]));
        tomcat.getConnector().setProperty("address", "127.0.0.1");
        Context context = tomcat.addContext("", arguments[1]);
        Tomcat.addServlet(context, "default", new org.apache.catalina.servlets.DefaultServlet());
        context.addServletMappingDecoded("/", "default");
        context.addServletContainerInitializer(new WsSci(), null);
        context.addServletContainerInitializer((classes, servlets) -> {
            try {
                ((ServerContainer) servlets.getAttribute(ServerContainer.class.getName())).addEndpoint(Echo.class);
            } catch (DeploymentException exception) {
                throw new IllegalStateException(exception);
            }
        }, null);
        tomcat.start();
        System.out.println("{\"listening\": " + arguments[0] + "}");
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in));
        while (commands.readLine() != null) {
            System.out.printf("{\"received.text\": %1$d, \"sent.text\": %1$d, "
                + "\"received.binary\": %2$d, \"sent.binary\": %2$d, "
                + "\"bytes.received\": %3$d, \"bytes.sent\": %3$d}%n", TEXTS.get(), BINARIES.get(), BYTES.get());
        }
        System.exit(0);
    }
}
