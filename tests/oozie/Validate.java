import java.io.File;
import java.util.stream.Stream;
import javax.xml.XMLConstants;
import javax.xml.transform.stream.StreamSource;
import javax.xml.validation.Schema;
import javax.xml.validation.SchemaFactory;

/** Validates a document, as Oozie does when an application is submitted: Validate DOCUMENT SCHEMA... */
class Validate {
    public static void main(String[] files) throws Exception {
        StreamSource[] schemas = Stream.of(files).skip(1).map(name -> new StreamSource(new File(name))).toArray(StreamSource[]::new);
        Schema schema = SchemaFactory.newInstance(XMLConstants.W3C_XML_SCHEMA_NS_URI).newSchema(schemas);
        schema.newValidator().validate(new StreamSource(new File(files[0])));
    }
}
